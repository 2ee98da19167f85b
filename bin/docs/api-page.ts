import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Node, SyntaxKind } from "typescript/unstable/ast";
import {
  API,
  type Project,
  SymbolFlags,
  type Symbol as TypeScriptSymbol,
} from "typescript/unstable/sync";
import { writeDeclarations } from "../pack/declarations.ts";
import { PACKAGES } from "../pack/packages.ts";

/** What an entry point of a package exports, and the types that are part of it without being exported. */
export interface EntryPoint {
  /** As it is imported, e.g. `serverless-socket-io/cdk`. */
  readonly name: string;
  readonly exported: readonly Declared[];
  readonly named: readonly Declared[];
}

/** A name, with its doc comment and its declaration. */
export interface Declared {
  readonly name: string;
  readonly description: string;
  readonly text: string;
  readonly isType: boolean;
}

/** The types of the contract's events, which docs/events.md has. */
const OF_EVENTS = "/client/contract.d.ts";

const TYPES = new Set<SyntaxKind | undefined>([
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
]);

/** What a type may consist of: `typeof LIMITS` is a variable's. */
const PARTS = new Set([...TYPES, SyntaxKind.ClassDeclaration, SyntaxKind.VariableDeclaration]);

/** What users of the packages can import, as TypeScript declares it to them. */
export function entryPoints(): readonly EntryPoint[] {
  const entries = PACKAGES.flatMap(({ name, exports }) =>
    Object.entries(exports).map(([path, file]) => ({ name: name + path.slice(1), file })),
  );
  const folder = mkdtempSync(join(tmpdir(), "api-"));
  const api = new API({ cwd: folder });
  try {
    writeDeclarations(
      entries.map(({ file }) => file),
      folder,
    );
    const files = entries.map(({ file }) => join(folder, file.replace(/\.ts$/, ".d.ts")));
    const tsconfig = join(folder, "tsconfig.json");
    const compilerOptions = { module: "nodenext", noEmit: true };
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files }));
    const [project] = api.updateSnapshot({ openProjects: [tsconfig] }).getProjects();
    if (project === undefined) throw new Error("The declarations are no project.");
    return entries.map(({ name }, index) => ({
      name,
      ...declaredIn(project, folder, files[index] ?? ""),
    }));
  } finally {
    api.close();
    rmSync(folder, { recursive: true });
  }
}

function declaredIn(project: Project, folder: string, file: string): Omit<EntryPoint, "name"> {
  const { checker, program } = project;
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} exports nothing.`);
  const exported = checker.getExportsOfModule(module).map((one) => original(project, one));
  const all = new Map(exported.map((one) => [one.id, one]));
  // A map that grows is walked to its end.
  for (const one of all.values())
    for (const named of typesNamedBy(project, one))
      if (nodeOf(project, named)?.getSourceFile().fileName.startsWith(folder))
        all.set(named.id, named);
  const named = [...all.values()].filter(
    (one) =>
      !exported.includes(one) &&
      !nodeOf(project, one)?.getSourceFile().fileName.endsWith(OF_EVENTS),
  );
  return {
    exported: exported.map((one) => declared(project, one)).toSorted(inOrder),
    named: named.map((one) => declared(project, one)).toSorted(inOrder),
  };
}

/** The symbol behind a name that is exported or imported from elsewhere. */
const original = ({ checker }: Project, symbol: TypeScriptSymbol): TypeScriptSymbol =>
  symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** A type's declaration where its name is a variable's as well. */
function nodeOf(project: Project, symbol: TypeScriptSymbol): Node | undefined {
  const nodes = symbol.declarations.map((one) => one.resolve(project));
  return nodes.find((node) => TYPES.has(node?.kind)) ?? nodes[0];
}

/** The types that stand in a symbol's declaration; not those that only the server itself calls a function with. */
function typesNamedBy(project: Project, symbol: TypeScriptSymbol): readonly TypeScriptSymbol[] {
  const found: TypeScriptSymbol[] = [];
  const visit = (node: Node): void => {
    const named =
      node.kind === SyntaxKind.Identifier ? project.checker.getSymbolAtLocation(node) : undefined;
    if (named !== undefined) found.push(original(project, named));
    node.forEachChild((child) => visit(child));
  };
  const node = nodeOf(project, symbol);
  if (node !== undefined && node.kind !== SyntaxKind.FunctionDeclaration) visit(node);
  return found.filter((one) => PARTS.has(nodeOf(project, one)?.kind));
}

function declared(project: Project, symbol: TypeScriptSymbol): Declared {
  const node = nodeOf(project, symbol);
  const text = node?.getText() ?? "";
  return {
    name: symbol.name,
    description: symbol.getDocumentationComment(project.checker),
    // What is private is there so that no other class can pass for it.
    text: (node?.kind === SyntaxKind.VariableDeclaration ? `const ${text};` : text)
      .replace(/^(export )?(declare )?/, "")
      .replace(/\n {4}#private;/, ""),
    isType: TYPES.has(node?.kind),
  };
}

/** What runs comes before what is a type. */
const inOrder = (one: Declared, other: Declared): number =>
  Number(one.isType) - Number(other.isType) || one.name.localeCompare(other.name, "en");

/** `docs/api.md`. */
export const apiPage = (points: readonly EntryPoint[]): string =>
  [
    "<!-- Written by npm run docs from the doc comments and types of what the packages export. -->",
    "# API",
    "Everything that the two packages export, as TypeScript declares it. The events of the contract are in [events.md](events.md).",
    ...points.flatMap(({ name, exported, named }) => [
      `## \`${name}\``,
      ...exported.flatMap(sectionOf),
      ...(named.length === 0
        ? []
        : [`### Types that \`${name}\` does not export`, ...named.flatMap(partOf)]),
    ]),
    "",
  ].join("\n\n");

const sectionOf = ({ name, ...one }: Declared) => [`### \`${name}\``, ...partOf(one)];

const partOf = ({ description, text }: Omit<Declared, "name">) => [
  ...(description === "" ? [] : [description]),
  `\`\`\`ts\n${text}\n\`\`\``,
];
