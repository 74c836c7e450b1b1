// Lets people zoom into a picture and move and turn it. Without this script, the page shows the picture as it is.
"use strict";

const place = document.getElementById("picture");
const buttons = document.getElementById("picture-buttons");
const picture = place.querySelector("img");

// Without an element of this name, OpenSeadragon would add a style sheet that the content security policy refuses.
const noStyle = document.createElementNS(null, "style");
noStyle.setAttribute("data-openseadragon-mobile-css", "");
document.head.append(noStyle);

const viewer = OpenSeadragon({
  element: place,
  tileSources: { type: "image", url: place.dataset.src },
  showNavigationControl: false,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true, scrollToZoom: true },
  maxZoomPixelRatio: 8,
  animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
});
viewer.canvas.setAttribute("role", "application");
viewer.canvas.setAttribute("aria-label", place.dataset.label);
viewer.addOnceHandler("open", () => {
  picture.remove();
  buttons.hidden = false;
});
viewer.addOnceHandler("open-failed", () => {
  viewer.destroy();
  place.append(picture);
});

const actions = {
  in: () => viewer.viewport.zoomBy(1.5),
  out: () => viewer.viewport.zoomBy(1 / 1.5),
  whole: () => {
    viewer.viewport.setRotation(0);
    viewer.viewport.goHome();
  },
  turn: () => viewer.viewport.rotateBy(90),
};
buttons.addEventListener("click", (event) => {
  actions[event.target.dataset.does]?.();
  viewer.viewport.applyConstraints();
});
