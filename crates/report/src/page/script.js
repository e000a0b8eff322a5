"use strict";
(() => {
  // What a link leads to may stand inside closed details.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target.scrollIntoView({ block: target.tagName === "TR" || target.tagName === "P" ? "center" : "start" });
  };
  for (const when of ["hashchange", "load"]) addEventListener(when, reveal);

  const box = (rows, before, label) => {
    if (rows.length < 12) return;
    const input = document.createElement("input");
    input.type = "search";
    input.className = "find";
    input.placeholder = "Filter " + label;
    input.setAttribute("aria-label", "Filter " + label);
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of rows) {
        const text = (row.firstElementChild.tagName === "SUMMARY" ? row.firstElementChild : row).textContent;
        row.hidden = wanted !== "" && !text.toLowerCase().includes(wanted);
      }
    });
    before.before(input);
  };
  for (const table of document.querySelectorAll("table.filter"))
    box(table.querySelectorAll("tbody tr"), table, "rows");
  const traces = document.querySelector(".traces");
  if (traces) box(traces.children, traces, "subjects");
})();
