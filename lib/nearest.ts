/** The name that a misspelt one is likely to mean; none if no name is near. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((name) => ({ name, distance: distance(plain(given), plain(name)) }))
    .toSorted((one, other) => one.distance - other.distance);
  return best !== undefined && best.distance <= given.length / 3 ? best.name : undefined;
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z\d]/g, "");

/** Characters to insert, delete or replace until one word is the other (Levenshtein). */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...one].entries()) {
    const current = [row + 1];
    for (const [column, wanted] of [...other].entries())
      current.push(
        Math.min(
          (previous[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (previous[column] ?? 0) + (letter === wanted ? 0 : 1),
        ),
      );
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
