/** Owns what becomes of bodies too long for their line: the whole goes to a blob, the line keeps head, size and hash. */
/** Keeps a body and gives its SHA-256, or `undefined` where it could not be kept (full disk): counted by its owner. */
export type KeepBlob = (json: string) => string | undefined;

const HEAD_CHARS = 1024;

/** A JSON text as a JSON blob reference (`blobRefSchema`). The blob holds the JSON text of the body, redacted. */
const toBlobRef = (json: string, keep: KeepBlob): string => {
  const head = json.slice(0, HEAD_CHARS).toWellFormed();
  return JSON.stringify({ $blob: keep(json) ?? '', bytes: Buffer.byteLength(json), head });
};

/** `json`, or where it is longer than `maxBytes` a reference to a blob. */
export const fitBody = (json: string, maxBytes: number, keep: KeepBlob): string =>
  json.length * 3 <= maxBytes || Buffer.byteLength(json) <= maxBytes ? json : toBlobRef(json, keep);

/**
 * The bodies of one line, made to fit into `budgetBytes` together: the largest goes first.
 * Small ones stay as they are, whatever the others have.
 */
export const fitBodies = (bodies: readonly string[], budgetBytes: number, keep: KeepBlob): readonly string[] => {
  const fitted = [...bodies];
  const sizes = fitted.map((json) => Buffer.byteLength(json));
  for (let total = sum(sizes); total > budgetBytes; total = sum(sizes)) {
    const largest = sizes.indexOf(Math.max(...sizes));
    const json = fitted[largest] ?? '';
    const ref = toBlobRef(json, keep);
    if (Buffer.byteLength(ref) >= Buffer.byteLength(json)) return fitted; // nothing left to gain
    fitted[largest] = ref;
    sizes[largest] = Buffer.byteLength(ref);
  }
  return fitted;
};

/** What a line can do without, where not all of it has room: before anything else of it goes to a blob. Names as JSON. */
const SURPLUS: readonly string[] = ['"digest"', '"work"'];

/** Takes out of the fields of a line what it can do without, where they have no room together. */
export const withoutSurplus = (keys: string[], values: string[], budgetBytes: number): void => {
  for (const name of SURPLUS) {
    const at = keys.indexOf(name);
    if (at < 0 || sum(values.map((json) => Buffer.byteLength(json))) <= budgetBytes) continue;
    keys.splice(at, 1);
    values.splice(at, 1);
  }
};

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
