import"./chunk-GVTOEQJF.js";
//# sourceMappingURL=videsk-booking.js.map
