import"./chunk-H27ST573.js";
//# sourceMappingURL=videsk-booking.js.map
