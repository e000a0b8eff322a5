"""Holds report.pdf against PDF/UA-1 as far as a machine can without veraPDF, and against report.html, row by row.

Reads with qpdf (pikepdf), PDFium (pypdfium2) and python-docx. Every fault is printed; any fault fails.
"""

import json
import re
import struct
import sys
from pathlib import Path

import docx
import lxml.html
import pikepdf
import pypdfium2

faults = []


def check(holds, what):
    if not holds:
        faults.append(what)


def dense(text):
    """Without blanks, and without hyphens: PDFium takes away those at line ends."""
    return re.sub(r"[\s\u0002\u200b\ufeff\ufffe\u00ad-]+", "", text or "")


# What stays on the screen, as `crates/report/src/paper.rs` has it.
ON_SCREEN = {"skip", "find", "screen", "toc", "lists", "terms", "open", "csv", "simulated", "no"}
DETAILS = {"trace", "contributions", "rules"}


def page_on_paper(path):
    main = lxml.html.parse(str(path), parser=lxml.html.HTMLParser(encoding="utf-8")).getroot().find(".//main")
    for element in list(main.iter()):
        if not isinstance(element.tag, str):
            continue
        classes = set((element.get("class") or "").split())
        gone = classes & ON_SCREEN or element.tag in ("nav", "script", "style", "svg")
        if gone or (element.tag == "details" and classes & DETAILS):
            element.drop_tree() if element.getparent() is not None else None
    return main


def structure(node, seen):
    """Every structure element below a node."""
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from structure(child, seen)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node
        if "/K" in node:
            yield from structure(node["/K"], seen)


def metadata(pdf, name):
    root = pdf.Root
    check("/StructTreeRoot" in root, f"{name}: no structure tree")
    check(bool(root.get("/MarkInfo", {}).get("/Marked", False)), f"{name}: not marked as tagged")
    check(str(root.get("/Lang", "")).startswith("en"), f"{name}: no language")
    check(bool(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False)), f"{name}: the title is not shown")
    with pdf.open_metadata() as xmp:
        check(xmp.get("pdfuaid:part") == "1", f"{name}: not identified as PDF/UA-1")
        check(bool(xmp.get("dc:title")), f"{name}: no title")
        check(bool(xmp.get("dc:creator")), f"{name}: no author")
    problems = pdf.check_pdf_syntax() if hasattr(pdf, "check_pdf_syntax") else pdf.check()
    check(not problems, f"{name}: qpdf finds {problems}")


def fonts(pdf, name):
    found = 0
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font":
            descendants = item.get("/DescendantFonts")
            for font in descendants if descendants is not None else [item]:
                if font.get("/Subtype") == "/Type3":
                    continue
                descriptor = font.get("/FontDescriptor", {})
                check(
                    any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")),
                    f"{name}: {font.get('/BaseFont')} is not embedded",
                )
                found += 1
            if descendants is not None:
                check("/ToUnicode" in item, f"{name}: {item.get('/BaseFont')} cannot be read back")
    return found


def named_destinations(pdf):
    names = set()

    def walk(node):
        for i, item in enumerate(node.get("/Names", [])):
            if i % 2 == 0:
                names.add(str(item))
        for kid in node.get("/Kids", []):
            walk(kid)

    tree = pdf.Root.get("/Names", {}).get("/Dests")
    if tree is not None:
        walk(tree)
    names.update(str(key)[1:] for key in pdf.Root.get("/Dests", {}).keys())
    return names


def links(pdf):
    names, pages = named_destinations(pdf), {page.obj.objgen for page in pdf.pages}
    inner = 0
    for number, page in enumerate(pdf.pages, 1):
        for annotation in page.get("/Annots", []):
            if annotation.get("/Subtype") != "/Link":
                continue
            check("/Contents" in annotation, f"page {number}: a link says nothing to who cannot see it")
            action = annotation.get("/A", {})
            target = annotation.get("/Dest", action.get("/D"))
            if target is None:
                check("/URI" in action, f"page {number}: a link without a target")
                continue
            inner += 1
            known = target[0].objgen in pages if isinstance(target, pikepdf.Array) else str(target) in names
            check(known, f"page {number}: a link leads nowhere ({target})")
    return inner


def report(folder):
    about = json.loads((folder / "results.json").read_text())["about"]
    path = folder / "report.pdf"
    pdf = pikepdf.open(path)
    metadata(pdf, path.name)
    embedded = fonts(pdf, path.name)
    check(embedded > 0, "no fonts")
    elements = list(structure(pdf.Root["/StructTreeRoot"]["/K"], set()))
    kinds = [str(element["/S"])[1:] for element in elements]
    for element in elements:
        if element["/S"] == "/Figure":
            check(bool(str(element.get("/Alt", ""))), "a figure without words")
    for kind in ("Table", "TH", "TD", "TR", "H1", "H2", "Figure", "Link", "TOC", "Caption"):
        check(kind in kinds, f"no <{kind}> among the tags")
    check("/Outlines" in pdf.Root, "no bookmarks")
    inner = links(pdf)
    check(inner > 10, f"only {inner} links within the document")

    document = pypdfium2.PdfDocument(str(path))
    pages = [dense(page.get_textpage().get_text_range()) for page in document]
    for number, text in enumerate(pages, 1):
        check(f"Page{number}of{len(pages)}" in text, f"page {number}: no page number")
        if about["simulated"]:
            check("SIMULATEDDATA" in text, f"page {number}: not marked as simulated")
        if about["head"]:
            check(about["head"][:16] in text, f"page {number}: no ledger head")
        check(dense(f"data cut {about['cut']}" if about["cut"] else "no data cut") in text, f"page {number}: no data cut")
        check(len(text) > 150 or number in (1, len(pages)), f"page {number} is all but empty")
    whole = "".join(pages)

    main = page_on_paper(folder / "report.html")
    tables = [table for table in main.iter("table")]
    rows = lacking = 0
    for table in tables:
        for row in table.iter("tr"):
            text = dense(row.text_content())
            if text:
                rows += 1
                if text not in whole:
                    lacking += 1
                    check(lacking > 5, f"a row is not on paper: {' '.join(row.text_content().split())[:160]}")
    check(lacking == 0, f"{lacking} of {rows} rows are not on paper")
    words = [dense(p.text_content()) for p in main.iter("p", "li", "figcaption", "caption", "h2", "h3", "dt", "dd")]
    words = [text for text in words if text]
    gone = [text for text in words if not all(part in whole for part in pieces(text))]
    check(not gone, f"{len(gone)} of {len(words)} passages are not on paper, the first: {gone[:1]}")
    print(f"report.pdf: {len(pages)} pages, {len(tables)} tables with {rows} rows, {inner} links, {kinds.count('Figure')} figures")
    return [table for table in tables if table.find("caption") is not None]


def pieces(text):
    """A passage may go on over the foot and the head of a page."""
    return [text[i : i + 25] for i in range(0, max(len(text) - 24, 1), 200)] if len(text) > 25 else [text]


def figures(folder):
    for path in sorted(folder.glob("*.pdf")):
        pdf = pikepdf.open(path)
        metadata(pdf, path.name)
        fonts(pdf, path.name)
        check(len(pdf.pages) == 1, f"{path.name}: {len(pdf.pages)} pages")
    for path in sorted(folder.glob("*.png")):
        data = path.read_bytes()
        width, height = struct.unpack(">II", data[16:24])
        at = data.find(b"pHYs")
        check(at > 0 and struct.unpack(">IIB", data[at + 4 : at + 13]) == (11811, 11811, 1), f"{path.name}: not 300 dpi")
        check(width == 2126, f"{path.name}: {width} dots wide, not 180 mm at 300 dpi")
    drawn = {path.stem for path in folder.glob("*.svg")}
    for kind in ("pdf", "png"):
        made = {path.stem for path in folder.glob(f"*.{kind}")}
        check(not made or made == drawn, f"figures as {kind}: {sorted(made ^ drawn)}")
        if made:
            print(f"figures: {len(made)} as {kind}")


def word(folder, tables):
    paths = sorted(folder.glob("*.docx"))
    if not paths:
        return
    check(len(paths) == len(tables), f"{len(paths)} Word tables, {len(tables)} in the report")
    cells = 0
    for path, table in zip(paths, tables):
        found = docx.Document(str(path))
        check(len(found.tables) == 1, f"{path.name}: {len(found.tables)} tables")
        caption = dense(found.paragraphs[0].text)
        check(caption.endswith(dense(table.find("caption").text_content())), f"{path.name}: another caption: {caption}")
        read = [dense(cell_text(cell)) for cell in found.tables[0]._tbl.iter(docx.oxml.ns.qn("w:tc"))]
        wanted = [dense(cell.text_content()) for cell in table.iter("th", "td")]
        read, wanted = [text for text in read if text], [text for text in wanted if text]
        cells += len(wanted)
        # A table's foot comes last in Word, wherever HTML has it.
        check(sorted(read) == sorted(wanted), f"{path.name}: other cells: {sorted(set(read) ^ set(wanted))[:5]}")
        heads = sum(1 for row in table.iter("tr") if row.getparent().tag == "thead")
        repeated = len(found.tables[0]._tbl.findall(".//" + docx.oxml.ns.qn("w:tblHeader")))
        check(heads == repeated, f"{path.name}: {repeated} rows are repeated, {heads} are heads")
    print(f"Word tables: {len(paths)} files, {cells} cells")


def cell_text(cell):
    return "".join(text.text or "" for text in cell.iter(docx.oxml.ns.qn("w:t")))


folder = Path(sys.argv[1])
captioned = report(folder)
figures(folder / "figures")
word(folder / "tables", captioned)
for fault in faults:
    print("FAULT:", fault)
sys.exit(1 if faults else 0)
