import"./chunk-QQDIFT5L.js";
//# sourceMappingURL=videsk-booking.js.map
