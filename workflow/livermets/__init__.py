"""livermets: from CT scans to evidence of which primary tumour liver metastases came from."""

__version__ = "0.1.0"
