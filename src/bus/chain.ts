/**
 * Owns the hash chain (G8): `h` = SHA-256, or HMAC-SHA-256 where the bus has a key, over the writer's previous `h`
 * in this file followed by the bytes of the line up to `,"h"`.
 */
import { createHmac, hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { NikaError } from '../model/error.ts';
import type { BusFileName } from './layout.ts';

/** Hex, 64 characters. */
export type ChainHash = string;

export interface Chain {
  readonly keyed: boolean;
  /** What stands for the previous hash before a writer's first line: a line moved to another file does not fit. */
  genesis(file: BusFileName, writer: string): ChainHash;
  next(previous: ChainHash, body: string | Uint8Array): ChainHash;
  /** The same over bytes that begin with the previous hash already: nothing is copied. */
  of(previousAndBody: Uint8Array): ChainHash;
}

const KEY_MIN_BYTES = 32;

const joined = (previous: ChainHash, body: string | Uint8Array): string | Buffer =>
  typeof body === 'string' ? previous + body : Buffer.concat([Buffer.from(previous, 'latin1'), body]);

const createFrom = (keyed: boolean, of: (bytes: string | Uint8Array) => ChainHash): Chain => ({
  keyed,
  genesis: (file, writer) => of(`${file}\n${writer}`),
  next: (previous, body) => of(joined(previous, body)),
  of,
});

const plainChain = createFrom(false, (bytes) => hash('sha256', bytes));

const keyedChain = (key: Buffer): Chain =>
  createFrom(true, (bytes) => createHmac('sha256', key).update(bytes).digest('hex'));

/**
 * The chain of a bus, keyed if `keyFile` is given.
 * @throws {NikaError} `NIKA_BUS_KEY` if the file cannot be read, is too short or is readable by others.
 */
export const createChain = (keyFile?: string): Chain => {
  if (keyFile === undefined) return plainChain;
  try {
    if ((statSync(keyFile).mode & 0o077) !== 0) {
      throw new NikaError('NIKA_BUS_KEY', `the key file is readable by others: ${keyFile}`, { subject: keyFile });
    }
    const key = readFileSync(keyFile);
    if (key.byteLength >= KEY_MIN_BYTES) return keyedChain(key);
    throw new NikaError('NIKA_BUS_KEY', `the key file has fewer than ${KEY_MIN_BYTES} bytes: ${keyFile}`, {
      subject: keyFile,
    });
  } catch (cause) {
    if (cause instanceof NikaError) throw cause;
    throw new NikaError('NIKA_BUS_KEY', `the key file cannot be read: ${keyFile}`, { subject: keyFile, cause });
  }
};
