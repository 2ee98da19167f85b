/** Lines of one plot: points of x and y, each above 0. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const [WIDTH, HEIGHT, MARGIN] = [640, 360, 56];
const COLOURS = ["#0b7285", "#d9480f", "#5f3dc4"];

/** A plot with logarithmic axes, as SVG that is readable on light and dark pages. */
export function plotOf(title: string, xName: string, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const x = axis(
    points.map(([value]) => value),
    MARGIN,
    WIDTH - MARGIN,
  );
  const y = axis(
    points.map(([, value]) => value),
    HEIGHT - MARGIN,
    MARGIN,
  );
  const drawn = lines.map(({ name, points: own }, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const path = own.map(([a, b]) => `${x.at(a).toFixed(1)},${y.at(b).toFixed(1)}`).join(" ");
    const top = MARGIN - 8 + index * 18;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${MARGIN + 12}" y="${top}" fill="${colour}">${name}</text>`;
  });
  const ticks = [
    ...x.ticks.map((tick) => label(x.at(tick), HEIGHT - MARGIN + 18, "middle", tick)),
    ...y.ticks.map((tick) => label(MARGIN - 6, y.at(tick) + 4, "end", tick)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#868e96">
<title>${title}</title>
<text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="14">${title}</text>
<path d="M${MARGIN} ${MARGIN}V${HEIGHT - MARGIN}H${WIDTH - MARGIN}" fill="none" stroke="#868e96"/>
<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">${xName}</text>
${[...ticks, ...drawn].join("\n")}
</svg>
`;
}

const label = (x: number, y: number, anchor: string, value: number): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${value.toLocaleString("en")}</text>`;

/** A logarithmic axis between two positions, with a tick at every power of ten. */
function axis(values: readonly number[], from: number, to: number) {
  const [min, max] = [
    Math.floor(Math.log10(Math.min(...values))),
    Math.ceil(Math.log10(Math.max(...values))),
  ];
  return {
    at: (value: number) =>
      from + ((Math.log10(value) - min) / Math.max(1, max - min)) * (to - from),
    ticks: Array.from({ length: max - min + 1 }, (_, index) => 10 ** (min + index)),
  };
}
