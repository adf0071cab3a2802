// What the public page of a video needs: its player.
import "./js/player.js";
import "./js/watch.js";
