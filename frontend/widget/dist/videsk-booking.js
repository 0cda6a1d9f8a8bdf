import"./chunk-PGPFLKJ3.js";
//# sourceMappingURL=videsk-booking.js.map
