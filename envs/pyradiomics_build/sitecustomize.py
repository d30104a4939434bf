"""Gives configparser back two names that building pyradiomics 3.0.1 asks for.

Python imports a module called sitecustomize by itself when it starts, from any folder of
PYTHONPATH; `envs/install.sh` puts this folder there while it builds pyradiomics, and at no other
time. The versioneer.py among pyradiomics' sources reads setup.cfg with SafeConfigParser and readfp.
Python 3.12 removed both; ConfigParser and read_file do the same work. On 3.11 nothing changes.
"""

import configparser

if not hasattr(configparser, "SafeConfigParser"):
    configparser.SafeConfigParser = configparser.ConfigParser
    configparser.ConfigParser.readfp = configparser.ConfigParser.read_file
