/** What is loaded for the form and for e-mailed links. */

import "./element.js"; // what it shares with the element stays in one file

export { makeDetails } from "./details.js";
export { startJoining } from "./join.js";
export { startModifying } from "./modify.js";
export { resumeBooking } from "./resume.js";
