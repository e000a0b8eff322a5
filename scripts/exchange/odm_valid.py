"""An ODM 1.3.2 file against its schema (as odmlib carries it), then through odmlib: every element, their order, every OID."""

import os
import sys
import warnings

import odmlib
import odmlib.loader
import odmlib.odm_loader
import odmlib.odm_1_3_2.rules.oid_ref
import xmlschema


def main(file):
    schemas = os.path.join(os.path.dirname(odmlib.__file__), "schemas", "odm", "1.3.2")
    schema = xmlschema.XMLSchema(os.path.join(schemas, "ODM1-3-2.xsd"))
    faults = [f"{wrong.path}: {wrong.reason}" for wrong in schema.iter_errors(file)]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{len(faults)} faults against the schema")
    print("the schema of ODM 1.3.2 takes it")
    loader = odmlib.loader.ODMLoader(odmlib.odm_loader.XMLODMLoader())
    loader.open_odm_document(file)
    root = loader.root()
    if not root.verify_order():
        sys.exit("odmlib: elements out of order")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checker = odmlib.odm_1_3_2.rules.oid_ref.OIDRef()
    root.verify_oids(checker)
    if not checker.check_oid_refs():
        sys.exit("odmlib: a reference leads nowhere")
    forms = sum(len(version.FormDef) for study in root.Study for version in study.MetaDataVersion)
    subjects = {subject.SubjectKey for clinical in root.ClinicalData for subject in clinical.SubjectData}
    print(f"odmlib reads it whole: {forms} forms, {len(subjects)} subjects; every element in order, every OID defined")


if __name__ == "__main__":
    main(sys.argv[1])
