import"./chunk-FFOWMVTX.js";
//# sourceMappingURL=videsk-booking.js.map
