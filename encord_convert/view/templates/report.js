const text = document.getElementById("text"), shown = document.getElementById("shown");
const statuses = new Set();

// Sort by a column; a second click turns it round.
for (const head of document.querySelectorAll("th")) head.addEventListener("click", () => {
  const { tHead, tBodies: [body] } = head.closest("table"), column = head.cellIndex;
  const order = head.ariaSort === "ascending" ? "descending" : "ascending";
  for (const other of tHead.rows[0].cells) other.ariaSort = null;
  head.ariaSort = order;
  const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const number = value => value === "" ? NaN : Number(value);
  const compare = (one, other) => isNaN(number(one) - number(other)) ? one.localeCompare(other) : number(one) - number(other);
  const sign = order === "ascending" ? 1 : -1;
  body.append(...[...body.rows].sort((one, other) => sign * compare(value(one), value(other))));
});

function refresh() {
  const wanted = text.value.toLowerCase();
  let count = 0;
  for (const row of document.querySelectorAll("tbody tr")) {
    const status = row.dataset.status;
    row.hidden = !row.textContent.toLowerCase().includes(wanted) || Boolean(status && statuses.size && !statuses.has(status));
    count += !row.hidden;
  }
  shown.textContent = count;
}

text.addEventListener("input", refresh);
for (const button of document.querySelectorAll("button[data-status]")) button.addEventListener("click", () => {
  const { status } = button.dataset;
  button.setAttribute("aria-pressed", !statuses.delete(status) && Boolean(statuses.add(status)));
  refresh();
});
document.body.dataset.ready = "true";
