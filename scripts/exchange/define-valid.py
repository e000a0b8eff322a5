"""Define-XML against CDISC's schema 2.1 and the rules of odmlib, and its promises against the data sets beside it.

    python scripts/exchange/define-valid.py EXPORT/xpt/sdtm/define.xml ...

Needs odmlib, xmlschema and pyreadstat (scripts/exchange/define-valid.sh installs them into an environment of its own).
"""

import pathlib
import sys

import odmlib
import pyreadstat
import xmlschema
from odmlib.define_loader import XMLDefineLoader
from odmlib.loader import ODMLoader
from odmlib.oid_generator import create_oid_checker

schemas = pathlib.Path(odmlib.__file__).parent / "schemas" / "define" / "2.1"
schema = xmlschema.XMLSchema(str(schemas / "define2-1-0.xsd"))

for name in sys.argv[1:]:
    file = pathlib.Path(name)
    errors = list(schema.iter_errors(str(file)))
    for error in errors[:10]:
        print(error.path, error.reason)
    assert not errors, f"{file}: {len(errors)} errors against the schema"
    loader = ODMLoader(XMLDefineLoader(model_package="define_2_1", ns_uri="http://www.cdisc.org/ns/def/v2.1"))
    loader.open_odm_document(str(file))
    define = loader.load_odm()
    version = define.Study.MetaDataVersion
    unique = {}
    checker = create_oid_checker("define_2_1")
    define.verify_oids(checker)
    assert checker.check_oid_refs(), f"{file}: references to what is not there"
    items = {item.OID: item for item in version.ItemDef}
    for group in version.ItemGroupDef:
        data = file.parent / group.leaf.href
        assert data.exists(), f"{data} is not there"
        if data.suffix != ".xpt":
            continue
        frame, meta = pyreadstat.read_xport(str(data))
        variables = [items[ref.ItemOID].Name for ref in group.ItemRef]
        assert variables == list(frame.columns), f"{data.name}: {variables} against {list(frame.columns)}"
        for ref in group.ItemRef:
            item = items[ref.ItemOID]
            label = item.Description.TranslatedText[0]._content
            assert label == meta.column_names_to_labels[item.Name], f"{data.name}, {item.Name}: {label}"
            if item.DataType == "text":
                longest = frame[item.Name].astype(str).str.encode("utf-8").str.len().max()
                assert longest <= int(item.Length), f"{data.name}, {item.Name}: {longest} > {item.Length}"
        unique[group.Name] = len(frame)
    print(f"{file}: valid; {len(version.ItemGroupDef)} data sets, {len(items)} items, {sum(unique.values())} records checked")
