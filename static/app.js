// What makes every signed-in page live. Each module looks for its own elements and does nothing where there are none.
// What only one screen needs is named in that screen's template: set module = "js/<name>.js".
import "./js/theme.js";
import "./js/forms.js";
import "./js/copy.js";
import "./js/keys.js";
import "./js/player.js";
import "./js/times.js";
import "./js/toasts.js";
import "./js/feed.js";
import "./js/live.js";
