/**
 * Owns the tool `write_file`. Whoever reads the file sees the old contents or the new, never half of them: they are
 * written beside it and renamed over it. (Not so with `append`, which is one write at the end.)
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type WriteFileInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { errnoOf, errorMessage } from '../../model/error.ts';
import { randomBase32 } from '../../model/id.ts';
import { fileError, openRegular } from './regular-file.ts';
import { interrupted, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const PERMISSIONS = 0o7777;

interface Target {
  /** What a symbolic link leads to: the link itself stays. */
  readonly path: string;
  /** Permissions of the file that is there. */
  readonly mode: number | undefined;
  readonly refused: string | undefined;
}

const lookAt = async (path: string): Promise<Target> => {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    const refused = found.isFile()
      ? undefined
      : `${path} is ${found.isDirectory() ? 'a folder' : 'not a regular file'}`;
    return { path: real, mode: found.mode & PERMISSIONS, refused };
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
    return { path, mode: undefined, refused: undefined };
  }
};

/** Why nothing new can be made in a folder that is there. */
const FOLDER_REASONS: Readonly<Record<string, string>> = {
  EROFS: 'its file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOENT: 'its file system takes nothing new', // such as /proc
};

/** An expected failure that is told as it stands. */
class Refusal extends Error {}

const refusalIn = (what: string, thrown: unknown): Refusal => {
  const reason = FOLDER_REASONS[errnoOf(thrown) ?? ''] ?? errorMessage(thrown);
  return new Refusal(`${what}: ${reason}`, { cause: thrown });
};

const isThere = async (folder: string): Promise<boolean> => {
  try {
    await stat(folder);
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return false;
    throw thrown;
  }
};

/**
 * Makes a folder and those above it, one by one: all at once (`recursive`) does not say which of them cannot be made, and
 * says of a file system that is read-only that the path does not exist.
 */
const makeFolder = async (folder: string): Promise<void> => {
  const missing: string[] = [];
  for (let at = folder; !(await isThere(at)); at = dirname(at)) missing.push(at);
  for (const at of missing.toReversed()) {
    try {
      await mkdir(at);
    } catch (thrown) {
      if (errnoOf(thrown) === 'EEXIST') continue; // somebody else made it meanwhile
      throw refusalIn(`the folder ${at} cannot be made in ${dirname(at)}`, thrown);
    }
  }
};

const openNew = async (path: string): Promise<FileHandle> => {
  const folder = dirname(path);
  if (!(await isThere(folder))) throw new Refusal(`the folder ${folder} does not exist`);
  try {
    return await open(path, 'wx', 0o666); // less the umask, as any new file
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOTDIR') throw thrown;
    throw refusalIn(`no file can be made in the folder ${folder}`, thrown);
  }
};

const replace = async (target: Target, content: string, mode: number | undefined): Promise<void> => {
  const beside = join(dirname(target.path), `.nika-${randomBase32(12)}.tmp`);
  const handle = await openNew(beside);
  try {
    try {
      await handle.writeFile(content);
      const wanted = mode ?? target.mode;
      if (wanted !== undefined) await handle.chmod(wanted);
    } finally {
      await handle.close();
    }
    await rename(beside, target.path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
};

/** @returns why not, if not. */
const append = async (path: string, content: string, mode: number | undefined): Promise<string | undefined> => {
  const opened = await openRegular(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o666);
  if (opened.kind === 'refused') return opened.error;
  try {
    await opened.handle.writeFile(content);
    if (mode !== undefined) await opened.handle.chmod(mode);
    return undefined;
  } finally {
    await opened.handle.close();
  }
};

const run = async (input: WriteFileInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const path = resolve(context.cwd, input.path);
  try {
    if (input.create_dirs) await makeFolder(dirname(path));
    const target = await lookAt(path);
    if (target.refused !== undefined) return { ok: false, error: target.refused };
    if (input.append) {
      const error = await append(path, input.content, input.mode);
      if (error !== undefined) return { ok: false, error };
    } else {
      await replace(target, input.content, input.mode);
    }
    const bytes = Buffer.byteLength(input.content);
    return { ok: true, response: { path, bytes, created: target.mode === undefined }, output: path };
  } catch (thrown) {
    return { ok: false, error: thrown instanceof Refusal ? thrown.message : fileError(path, thrown) };
  }
};

export const writeFileTool: Tool<WriteFileInput> = {
  name: 'write_file',
  inputSchema: TOOL_INPUT_SCHEMAS.write_file,
  describe: (input) => oneLine(input.path),
  run,
};
