import QuickLRU from "quick-lru";
import siftModule from "sift";

// The package is CommonJS whose export is the function; its types describe the ESM build.
const sift = siftModule as unknown as typeof siftModule.default;

type Matcher = (document: object) => boolean;

/** Filters a warm function keeps compiled. */
const REMEMBERED = 5000;

const compiled = new QuickLRU<string, Matcher>({ maxSize: REMEMBERED });

/** Whether a document matches a stored filter, given as JSON; each filter is compiled once. */
export function matches(filter: string, document: object): boolean {
  const known = compiled.get(filter);
  if (known !== undefined) return known(document);
  const matcher = compile(filter);
  compiled.set(filter, matcher);
  return matcher(document);
}

function compile(filter: string): Matcher {
  const matcher = sift(JSON.parse(filter));
  return (document) => {
    try {
      return matcher(document);
    } catch {
      // An operand that does not fit the operator matches nothing, whatever else the filter says.
      return false;
    }
  };
}
