import"./chunk-WLMHHCIZ.js";
//# sourceMappingURL=videsk-booking.js.map
