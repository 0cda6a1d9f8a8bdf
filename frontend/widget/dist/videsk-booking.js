import"./chunk-A5R5BGR5.js";
//# sourceMappingURL=videsk-booking.js.map
