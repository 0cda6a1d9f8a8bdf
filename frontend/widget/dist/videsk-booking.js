import"./chunk-XTR5ZABY.js";
//# sourceMappingURL=videsk-booking.js.map
