import"./chunk-D3KMTZH2.js";
//# sourceMappingURL=videsk-booking.js.map
