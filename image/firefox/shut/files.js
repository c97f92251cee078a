// Fills in the file dialog and says what was chosen: window.arguments[0] is the talk of files.sys.mjs.
const words = {
  pt: { where: "Arquivos desta sessão", empty: "Ainda não há arquivos nesta sessão.", name: "Nome:", open: "Abrir", save: "Salvar", cancel: "Cancelar" },
  es: { where: "Archivos de esta sesión", empty: "Aún no hay archivos en esta sesión.", name: "Nombre:", open: "Abrir", save: "Guardar", cancel: "Cancelar" },
  en: { where: "Files of this session", empty: "There are no files in this session yet.", name: "Name:", open: "Open", save: "Save", cancel: "Cancel" },
};

addEventListener("DOMContentLoaded", () => {
  const talk = window.arguments[0];
  const say = words[talk.locale.slice(0, 2)] ?? words.en;
  const part = id => document.getElementById(id);
  const list = part("list");
  const size = new Intl.NumberFormat(talk.locale, { style: "unit", unit: "kilobyte", maximumFractionDigits: 0 });

  document.title = say.where;
  part("where").textContent = say.where;
  part("name-label").textContent = say.name;
  part("empty").textContent = say.empty;
  part("cancel").textContent = say.cancel;
  part("ok").textContent = talk.isSave ? say.save : say.open;
  part("naming").hidden = !talk.isSave;
  part("name").value = talk.name;
  for (const file of talk.files) list.add(new Option(`${file.name} (${size.format(Math.ceil(file.size / 1024))})`, file.name));
  list.multiple = talk.isMany;
  list.disabled = talk.isSave || talk.isFolder; // only shown
  list.hidden = talk.files.length === 0;
  part("empty").hidden = talk.files.length > 0;

  const chosen = () => (talk.isSave ? [part("name").value.trim()].filter(Boolean) : [...list.selectedOptions].map(one => one.value));
  const look = () => {
    part("ok").disabled = !talk.isFolder && chosen().length === 0;
  };
  const take = event => {
    event.preventDefault();
    if (part("ok").disabled) return;
    talk.chosen = talk.isFolder ? [] : chosen();
    window.close();
  };
  for (const type of ["change", "input"]) part("form").addEventListener(type, look);
  part("form").addEventListener("submit", take);
  list.addEventListener("dblclick", take);
  part("cancel").addEventListener("click", () => window.close());
  addEventListener("keydown", event => {
    if (event.key === "Escape") window.close();
    else if (event.key === "Enter" && event.target === list) take(event);
  });
  look();
  (talk.isSave ? part("name") : talk.isFolder ? part("ok") : talk.files.length ? list : part("cancel")).focus();
});
