"use strict";
// Rows as a CSV file that the browser makes and saves by itself: nothing is sent anywhere.
function saveCsv(name, heads, rows) {
  function quoted(value) {
    let text = value === null || value === undefined ? ""
      : Array.isArray(value) ? value.join(" ") : String(value);
    // A spreadsheet runs text that starts like a formula; the apostrophe keeps it text.
    if (typeof value === "string" && /^(\s*[=+\-@＝＋－＠]|[\t\r])/.test(text)) text = "'" + text;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  const lines = [heads, ...rows].map((row) => row.map(quoted).join(","));
  const blob = new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv;charset=utf-8" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
