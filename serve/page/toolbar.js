/** The buttons on the image: which tool is in hand, whether masks are hidden, how near we are. */

const byId = (id) => document.getElementById(id);
const STEP = 1.25;

/** @param {{tool: (name: string) => void, hide: () => void, viewed: () => void}} told */
export function followToolbar(stage, { tool, hide, viewed }) {
  const zoom = (factor) => {
    stage.view.zoom(factor, stage.width / 2, stage.height / 2);
    viewed();
  };
  const clicked = {
    "tool-point": () => tool("point"),
    "tool-box": () => tool("box"),
    peek: hide,
    "zoom-in": () => zoom(STEP),
    "zoom-out": () => zoom(1 / STEP),
    "zoom-one": () => zoom(1 / stage.view.scale),
    "zoom-fit": () => { stage.view.fit(); viewed(); },
  };
  for (const [id, act] of Object.entries(clicked)) byId(id).addEventListener("click", act);
}

export function showTool(tool) {
  for (const name of ["point", "box"]) byId(`tool-${name}`).setAttribute("aria-pressed", String(tool === name));
}

export function showHidden(hidden) {
  byId("peek").setAttribute("aria-pressed", String(hidden));
}

export function showZoom(scale) {
  byId("zoom-one").textContent = `${Math.round(scale * 100)} %`;
}
