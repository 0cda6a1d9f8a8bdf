/** The script of the page: its name stays the same, and what it loads has a hash in its name. */

import "./element.js";
