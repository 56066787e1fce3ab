/** Owns the lock files that are lists of `[[package]]` blocks: Cargo.lock, poetry.lock, uv.lock, pdm.lock. */
import { addLocked, createLock } from './dependency.mjs';

/** @param {string} block @param {string} key */
const fieldOf = (block, key) => new RegExp(`^${key}\\s*=\\s*"([^"]*)"`, 'm').exec(block)?.[1];

/**
 * @param {string} ecosystem
 * @param {(block: string) => 'registry' | 'outside' | 'own'} sourceOf
 * @returns {import('./dependency.mjs').ManifestReader}
 */
const readBlocks = (ecosystem, sourceOf) => (text) => {
  const lock = createLock(ecosystem);
  for (const block of text.split(/^\[\[package\]\]\s*$/m).slice(1)) {
    const source = sourceOf(block);
    const name = fieldOf(block, 'name');
    if (name === undefined || source === 'own') continue;
    addLocked(lock, name, fieldOf(block, 'version') ?? '');
    if (source === 'outside') lock.outside.push(name);
  }
  return lock;
};

export const readCargoLock = readBlocks('Cargo', (block) => {
  const source = fieldOf(block, 'source');
  if (source === undefined) return 'own';
  return source.startsWith('git+') ? 'outside' : 'registry';
});

export const readPythonLock = readBlocks('Python', (block) => {
  if (/^source = \{ (virtual|editable|directory|workspace) =/m.test(block)) return 'own';
  return /^source = \{ (git|url) =|^type = "(git|url)"|^(git|url) = /m.test(block) ? 'outside' : 'registry';
});
