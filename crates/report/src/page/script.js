"use strict";
(() => {
  // What a link leads to may stand inside closed details.
  const reveal = () => {
    for (const shown of document.querySelectorAll(".who.shown")) shown.classList.remove("shown");
    const target = document.getElementById(location.hash.slice(1));
    if (!target || target.id === "shut") return;
    // A list lies over the page: the number that opened it stays where it is.
    const panel = target.closest(".who");
    if (panel) {
      panel.classList.add("shown");
      return;
    }
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target.scrollIntoView({ block: target.tagName === "TR" || target.tagName === "P" ? "center" : "start" });
  };
  for (const when of ["hashchange", "load"]) addEventListener(when, reveal);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.querySelector(".who.shown")) location.hash = "shut";
  });

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
