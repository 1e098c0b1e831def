// Write the head of its column into each cell, for the narrow screens of site.css.
for (const table of document.querySelectorAll("table.docutils")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    if (heads.length === 0) continue;
    for (const row of table.querySelectorAll("tbody tr")) {
        [...row.cells].forEach((cell, column) => cell.setAttribute("data-label", heads[column]));
    }
    table.classList.add("is-labelled");
}
