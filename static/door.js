// What the pages before sign-in need: shown passwords, locked buttons, the browser's time zone.
import "./js/forms.js";
