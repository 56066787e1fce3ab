/**
 * Builds `dist/`: nika and its libraries in few files, since reading many small ones is most of a short command's
 * time (docs/decisions/0004). Types by tsc. The licences of what is bundled are put beside.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, globSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Workers that are processes of their own; the others are threads, or are imported. */
const PROCESSES = [
  'alpha-worker',
  'collector-worker',
  'memory-worker',
  'module-worker',
  'notify-worker',
  'reconcile-worker',
  'supervise-worker',
];

/**
 * What is started by path: the program, the two libraries, and each `*-worker.ts` and `*-plugin.ts`, which its starter
 * looks for beside itself.
 */
const entries = (): Record<string, string> => {
  const workers = globSync('src/**/*-{worker,plugin}.ts', { cwd: root });
  const nameOf = (path: string): string => {
    const name = basename(path, '.ts');
    return PROCESSES.includes(name) ? `chunks/${name}-main` : `chunks/${name}`;
  };
  return {
    'cli/main': join(root, 'src/cli/main.ts'),
    index: join(root, 'src/index.ts'),
    client: join(root, 'src/pod/client/client.ts'),
    ...Object.fromEntries(workers.map((path) => [nameOf(path), join(root, path)])),
  };
};

/** What is started: it sees to the cache of compiled code before the worker itself is read. */
const startOf = (name: string): string =>
  `import { createRequire } from 'node:module';
createRequire(import.meta.url)('../../bin/code-cache.cjs');
await import('./${name}-main.js');
`;

const licences = (): string => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; link?: boolean; version?: string; license?: string }>;
  };
  const bundled = Object.entries(lock.packages).filter(
    ([path, { dev, link }]) => path !== '' && dev !== true && link !== true,
  );
  if (bundled.length < Object.keys(dependencies).length) throw new Error('package-lock.json misses dependencies');
  return bundled
    .map(([path, { version = '', license = '' }]) => {
      const file = globSync('{LICENSE,LICENCE,license,licence}*', { cwd: join(root, path) })[0];
      const text =
        file === undefined ? '(no licence file in the package)' : readFileSync(join(root, path, file), 'utf8');
      return `${path.replace(/^.*node_modules\//, '')} ${version} (${license})\n\n${text.trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
};

/**
 * What every command loads stands in few files: a file takes a third of a millisecond to load, however small. Each of these
 * groups of starting points needs its modules whole; what several groups need is a file of its own.
 */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  program: ['src/cli/main.ts'],
  command: ['src/config/home.ts', 'src/config/settings.ts', 'src/config/env-typos.ts'],
  client: ['src/pod/client/client.ts', 'src/pod/runner/module-worker.ts'],
  worker: [
    'src/pod/launch/supervise-worker.ts',
    'src/pod/notify/notify-worker.ts',
    'src/pod/reconcile/reconcile-worker.ts',
    'src/agents/collector/collector-worker.ts',
  ],
};

/** Names of the groups that need a module, joined. */
const groupsOf = new Map<string, string>();

const grouping: Plugin = {
  name: 'grouping',
  buildEnd() {
    for (const [group, files] of Object.entries(GROUPS)) {
      const needed = new Set(files.map((file) => join(root, file)));
      for (const id of needed) for (const next of this.getModuleInfo(id)?.importedIds ?? []) needed.add(next); // grows meanwhile
      for (const id of needed) groupsOf.set(id, [groupsOf.get(id), group].filter(Boolean).join('-'));
    }
    for (const entry of Object.values(entries())) groupsOf.delete(entry);
  },
};

const groupOf = (id: string): string | null => {
  const groups = groupsOf.get(id);
  return groups !== undefined && /program|command/.test(groups) ? groups : null;
};

const bundle = await rolldown({
  input: entries(),
  plugins: [grouping],
  preserveEntrySignatures: 'allow-extension',
  checks: { ineffectiveDynamicImport: false }, // of what stands in one of the files that all load
  platform: 'node',
  logLevel: 'warn',
  resolve: { alias: { 'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js') } }, // its main cannot be bundled
});
rmSync(dist, { recursive: true, force: true });
await bundle.write({
  dir: dist,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: groupOf, debugName: 'groups' }] },
  minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
});
await bundle.close();
for (const name of PROCESSES) writeFileSync(join(dist, 'chunks', `${name}.js`), startOf(name));
writeFileSync(join(dist, 'LICENCES-OF-BUNDLED-PACKAGES.txt'), licences());

/** `npm ci` needs no types: they are for those who install the package. `npm pack` runs `prepare` too. */
const isPacked = ['pack', 'publish'].includes(process.env['npm_command'] ?? '');
if (isPacked || !process.argv.includes('--no-types')) {
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
}
/** So that `npx nika` in a checkout runs this very program at once; npm itself would link the package elsewhere first. */
const bin = join(root, 'node_modules/.bin');
if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isDirectory() === true && existsSync(bin)) {
  rmSync(join(bin, 'nika'), { force: true });
  symlinkSync('../../bin/nika.cjs', join(bin, 'nika'));
}
if (!existsSync(join(dist, 'cli/main.js'))) throw new Error('dist/cli/main.js was not built');
