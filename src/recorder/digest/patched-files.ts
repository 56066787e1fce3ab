/** Owns the files that a patch changes: of a text as Codex and opencode write it, or of a list of changes by file. Pure. */

/** Of a longer one the beginning counts: a call waits for it. */
const SCAN_CHARS = 64 * 1024;
const MAX_FILES = 40;

/** In JSON text: a line ends with an escape, and the whole with a quote. Raw JSON, as a path of any other call. */
const HEADER = /\*\*\* (?:Add File|Update File|Delete File|Move to): ((?:[^"\\]|\\[^nr]){1,300})/g;

/** As raw JSON. */
export const patchedFiles = (input: string): readonly string[] => {
  if (!input.startsWith('{"changes":')) {
    const text = input.slice(0, SCAN_CHARS);
    return Array.from(text.matchAll(HEADER), ([, path = '']) => path.trim()).slice(0, MAX_FILES);
  }
  if (input.length > 4 * SCAN_CHARS) return [];
  try {
    const { changes } = JSON.parse(input) as { readonly changes: unknown };
    const paths = typeof changes === 'object' && changes !== null ? Object.keys(changes) : [];
    return paths.slice(0, MAX_FILES).map((path) => JSON.stringify(path).slice(1, -1));
  } catch {
    return [];
  }
};
