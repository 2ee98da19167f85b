/** Evaluates metric math as CloudWatch does, if only these metrics have values. */
export function evaluate(expression = "", values: Readonly<Record<string, number>> = {}): number {
  const names = [...new Set(expression.match(/\b[a-z]\w*\b/g))];
  const fill = (value: number | undefined, otherwise: number) => value ?? otherwise;
  const compute = new Function("FILL", ...names, `return ${expression}`);
  return compute(fill, ...names.map((name) => values[name])) as number;
}
