/**
 * Owns which events stand on a channel, for who asks again and again: only what was written since is read (G6: of so many
 * channels).
 */
import { type FileHandle, open } from 'node:fs/promises';

interface Known {
  readonly ino: number;
  /** Up to a line feed. */
  bytes: number;
  readonly ids: Set<string>;
}

const CHUNK_BYTES = 256 * 1024;
const MAX_CHANNELS = 1_000;
const TOOL_CALL = '"type":"tool_call"';
/** Behind `{"ts":"…",`. */
const TYPE_AT = 33;
/** More than one where lines were glued by a kill. */
const IDS = /,"id":"([^"]{1,200})",/g;

export class ChannelIds {
  readonly #known = new Map<string, Known>();

  /** What came to the channel since. Rejects with a system error. */
  async readOn(path: string): Promise<void> {
    await using file = await open(path, 'r');
    const { ino } = await file.stat();
    await this.#read(file, this.#of(path, ino));
  }

  /** Whether an event of this id stood there when it was read, calls of tools apart, or was added. */
  has(path: string, id: string): boolean {
    return this.#known.get(path)?.ids.has(id) ?? false;
  }

  /** It was just written there. */
  add(path: string, id: string): void {
    this.#known.get(path)?.ids.add(id);
  }

  #of(path: string, ino: number): Known {
    const before = this.#known.get(path);
    const known = before?.ino === ino ? before : { ino, bytes: 0, ids: new Set<string>() };
    this.#known.delete(path); // the one that was asked about last goes last
    this.#known.set(path, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_CHANNELS && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  async #read(file: FileHandle, known: Known): Promise<void> {
    const { size } = await file.stat();
    if (size < known.bytes) {
      known.bytes = 0; // it was cut
      known.ids.clear();
    }
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = '';
    for (let at = known.bytes; ;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      const text = rest + buffer.toString('latin1', 0, bytesRead); // one character for each byte
      const end = text.lastIndexOf('\n') + 1;
      for (const line of text.slice(0, end).split('\n')) takeIds(line, known.ids);
      rest = text.slice(end);
      known.bytes = at - rest.length;
    }
  }
}

const takeIds = (line: string, ids: Set<string>): void => {
  if (line.startsWith(TOOL_CALL, TYPE_AT)) return;
  for (const [, id = ''] of line.matchAll(IDS)) ids.add(id);
};
