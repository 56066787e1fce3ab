/* Owns where compiled code is kept for the next start of nika. */
'use strict';

const { lstatSync, mkdirSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const OTHERS_MAY_WRITE = 0o022;

/* What is kept is run unseen: so only in a folder of one's own that nobody else can write. Node's own choice may be another's. */
const tryFolder = () => {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  try {
    const folder = join(tmpdir(), `nika-${uid}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { mode, uid: owner } = lstatSync(folder);
    return owner === uid && (mode & OTHERS_MAY_WRITE) === 0 ? join(folder, 'code') : undefined;
  } catch {
    return undefined; // no folder, no cache
  }
};

const folder = tryFolder();
if (folder !== undefined) enableCompileCache(folder);
