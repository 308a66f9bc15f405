/** Sets the chosen colours before the first paint. Runs before everything else, so that nothing flashes. */
{
  let chosen;
  try {
    chosen = localStorage.getItem("openclaw-theme");
  } catch {
    // Storage may be forbidden: then the system's colours are used.
    chosen = null;
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
