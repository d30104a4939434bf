"""Which files of the folders of a CT are its slices: one series is found, or refused in words."""

import shutil

import pydicom
import SimpleITK as sitk
from helpers.ct_images import refused_ct, refused_patient
from helpers.dicom_series import volume, write_series
from livermets.imaging.ct import import_ct, refuse_other_slice_count
from pydicom.uid import ImplicitVRLittleEndian


def test_localisers_reports_and_notes_beside_the_slices_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    write_series(
        folder, volume((1, 16, 20)), prefix="scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    (folder / "notes.txt").write_text("seen by the reader")
    report = pydicom.dcmread(folder / "slice00.dcm", stop_before_pixels=True)
    report.Modality, report.SeriesInstanceUID = "SR", "1.2.3"
    del report.Rows
    report.save_as(folder / "report.dcm")
    _, facts = import_ct(folder, "P1")
    assert facts["ignored_files"] == 3
    assert facts["n_slices"] == 6


def test_the_files_that_macos_leaves_beside_each_file_are_passed_over(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    attributes = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(4000)
    for file in list(folder.iterdir()):
        (folder / f"._{file.name}").write_bytes(attributes)
    ct, record = import_ct(folder, "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    assert record["ignored_files"] == 6


def test_one_file_names_its_series_in_a_shared_folder(tmp_path):
    write_series(tmp_path / "ct", volume(seed=1), prefix="a")
    write_series(tmp_path / "ct", volume(seed=2), prefix="b")
    ct, _ = import_ct(tmp_path / "ct" / "b00.dcm", "P1")
    assert (sitk.GetArrayFromImage(ct) == volume(seed=2)).all()


def in_two_folders(tmp_path, hu):
    """The slices of a series in the folders a and b."""
    for number, file in enumerate(sorted(write_series(tmp_path / "a", hu).iterdir())):
        (tmp_path / "b").mkdir(exist_ok=True)
        if number % 2:
            file.rename(tmp_path / "b" / file.name)
    return [tmp_path / "a", tmp_path / "b"]


def test_a_series_in_two_folders_is_read_whole_from_both(tmp_path):
    hu = volume()
    ct, record = import_ct(in_two_folders(tmp_path, hu), "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    assert (record["n_slices"], record["ignored_files"]) == (6, 0)


def test_files_name_a_series_that_shares_its_folders_with_others(tmp_path):
    hu = volume()
    folders = in_two_folders(tmp_path, hu)
    for folder in folders:
        write_series(folder, volume((3, 16, 20), seed=1), prefix="other")
    files = [sorted(folder.glob("slice*"))[0] for folder in folders]
    ct, _ = import_ct([files[0], folders[1]], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()
    refused_ct(folders, "3 series")
    refused_ct([files[0], next(folders[1].glob("other*"))], "2 files name 2 series")


def test_copies_of_slices_are_read_once_and_different_images_of_one_uid_are_not_copies(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    for number, file in enumerate(sorted(folder.iterdir())[:3]):
        shutil.copy(file, folder / f"copy{number}.dcm")
    ct, record = import_ct(folder, "P1")
    assert (sitk.GetArrayFromImage(ct) == volume()).all()
    assert record["ignored_files"] == 3
    header = pydicom.dcmread(folder / "copy0.dcm")
    header.PixelData = bytes(len(header.PixelData))
    header.save_as(folder / "copy0.dcm")
    refused_ct(folder, "1 slice positions occur twice")


def test_the_scans_of_two_persons_under_one_series_uid_are_two_series(tmp_path):
    write_series(tmp_path, volume(), prefix="a", SeriesInstanceUID="1.2.3", PatientID="A")
    write_series(tmp_path, volume(), prefix="b", SeriesInstanceUID="1.2.3", PatientID="B")
    refused_ct(tmp_path, "2 series (6 and 6 slices)")


def test_series_without_uids_are_told_by_their_numbers(tmp_path):
    hu = volume()
    write_series(tmp_path, hu, prefix="a", SeriesInstanceUID="", SeriesNumber=3)
    write_series(tmp_path, volume(seed=1), prefix="b", SeriesInstanceUID="", SeriesNumber=4)
    refused_ct(tmp_path, "2 series")
    ct, _ = import_ct(sorted(tmp_path.glob("a*"))[0], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()


def test_one_file_without_preamble_names_its_series(tmp_path):
    hu = volume()
    folder = write_series(tmp_path / "ct", hu, syntax=ImplicitVRLittleEndian)
    write_series(folder, volume(seed=1), prefix="z")
    for file in folder.glob("slice*"):
        header = pydicom.dcmread(file)
        del header.file_meta
        pydicom.dcmwrite(file, header, implicit_vr=True, little_endian=True)
        file.rename(folder / f"IM{file.stem[5:]}")
    ct, _ = import_ct(sorted(folder.glob("IM*"))[0], "P1")
    assert (sitk.GetArrayFromImage(ct) == hu).all()


def test_another_number_of_slices_than_drafted_is_refused():
    refuse_other_slice_count(20, "20", "P07")
    refuse_other_slice_count(20, "", "P07")
    with refused_patient("the CT has 20 slices", "says 41", "all folders of the series"):
        refuse_other_slice_count(20, "41", "P07")


def test_a_list_of_paths_that_are_not_all_dicom_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"\x1f\x8b")
    refused_ct([tmp_path / "a.nii.gz", write_series(tmp_path / "ct", volume())], "2 paths")


def test_a_folder_without_dicom_is_refused_and_its_subfolders_are_counted(tmp_path):
    (tmp_path / "series1").mkdir()
    refused_ct(tmp_path, "no DICOM file", "1 folder within it, not looked into")
    (tmp_path / "readme.txt").write_text("Modality CT " * 40)
    refused_ct(tmp_path, "no DICOM file")


def test_a_file_that_cannot_be_opened_may_be_a_slice_and_is_refused(tmp_path):
    folder = write_series(tmp_path / "ct", volume())
    (folder / "IM0007").symlink_to(tmp_path / "not fetched")
    refused_ct(folder, "IM0007", "cannot be opened", "No such file")


def test_two_series_in_one_folder_are_refused_with_their_counts_and_no_uid(tmp_path):
    write_series(tmp_path, volume(), prefix="a")
    write_series(tmp_path, volume((4, 16, 20)), prefix="b")
    message = refused_ct(tmp_path, "2 series", "6 and 4 slices", "name one file")
    assert "1.2.826" not in message


def test_images_of_another_modality_are_refused(tmp_path):
    write_series(tmp_path, volume(), Modality="MR")
    refused_ct(tmp_path, "not CT", "6 MR")
