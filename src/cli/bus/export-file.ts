/**
 * Owns the file that an export is written to: beside it first, so that under its name it stands whole or not at all.
 */
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { errorMessage, NikaError } from '../../model/error.ts';

const FILE_MODE = 0o600;

export class ExportFile implements AsyncDisposable {
  readonly #path: string;
  readonly #temp: string;
  #handle: FileHandle | undefined;

  private constructor(path: string, temp: string, handle: FileHandle) {
    this.#path = path;
    this.#temp = temp;
    this.#handle = handle;
  }

  /** @throws {NikaError} `NIKA_EXPORT_EXISTS`, `NIKA_EXPORT_NOT_WRITTEN` */
  static async open(path: string, mayReplace: boolean): Promise<ExportFile> {
    if (!mayReplace && existsSync(path))
      throw new NikaError('NIKA_EXPORT_EXISTS', `${path} is there already`, { subject: path });
    const temp = `${path}.${process.pid}.part`;
    try {
      return new ExportFile(path, temp, await open(temp, 'wx', FILE_MODE));
    } catch (cause) {
      throw notWritten(path, cause);
    }
  }

  /** @throws {NikaError} `NIKA_EXPORT_NOT_WRITTEN`: a full disk. */
  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text, 'utf8');
    try {
      for (let written = 0; written < bytes.byteLength && this.#handle !== undefined;)
        written += (await this.#handle.write(bytes, written)).bytesWritten;
    } catch (cause) {
      throw notWritten(this.#path, cause);
    }
  }

  /** It is whole: it gets its name. @throws {NikaError} `NIKA_EXPORT_NOT_WRITTEN` */
  async finish(): Promise<void> {
    try {
      await this.#handle?.sync();
      await this.#close();
      await rename(this.#temp, this.#path);
    } catch (cause) {
      throw notWritten(this.#path, cause);
    }
  }

  /** What was not finished is taken away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await rm(this.#temp, { force: true });
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

const notWritten = (path: string, cause: unknown): NikaError =>
  new NikaError('NIKA_EXPORT_NOT_WRITTEN', `${path} cannot be written: ${errorMessage(cause)}`, {
    subject: path,
    cause,
  });
