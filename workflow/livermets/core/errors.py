"""Errors meant for the person who runs the study: what is wrong, with whom, and what to do."""

from livermets.core.scan_ids import in_words


class BadInput(ValueError):
    """Something a person gave (a key, a file, a table) that the study cannot use.

    The message is one or two sentences: it names the key or file and ends in what to do.
    """


class BadPatient(BadInput):
    """One patient cannot be used. With `on_bad_patient: exclude` the study goes on without it.

    Parameters
    ----------
    patient : the patient's id as in the sheet, or the id of one of the patient's scans
    problem : what is wrong, without a full stop ("the DICOM folder ct/P07 is empty")
    remedy : what to do, an imperative sentence without a full stop
    """

    def __init__(self, patient: str, problem: str, remedy: str) -> None:
        self.patient, self.problem, self.remedy = patient, problem, remedy
        super().__init__(f"patient {in_words(patient)}: {problem}. {remedy}.")

    def __reduce__(self) -> tuple:  # keeps the three parts when a worker process raises it
        return type(self), (self.patient, self.problem, self.remedy)


class NotIncluded(BadPatient):
    """A patient who does not meet the study's own criteria: left out, whatever `on_bad_patient`."""
