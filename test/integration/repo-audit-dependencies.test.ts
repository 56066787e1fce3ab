import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gradeOf } from '../../config/jobs/repo-audit/manifests/dependency.mjs';
import { readerOf } from '../../config/jobs/repo-audit/manifests/readers.mjs';
import { readToml } from '../../config/jobs/repo-audit/manifests/toml.mjs';
import type { Ecosystem } from '../../config/jobs/repo-audit/dependencies.mjs';
import { SmallRepository, tell } from '../fixtures/small-repository.ts';

let repository: SmallRepository;
beforeEach(() => {
  repository = new SmallRepository();
});
afterEach(() => {
  repository[Symbol.dispose]();
});

/** What is told of the one ecosystem that is there. */
const ecosystemOf = (files: Readonly<Record<string, string>>, dir = repository.dir): Ecosystem | undefined => {
  for (const [path, content] of Object.entries(files)) repository.write(path, content);
  return tell('dependencies', dir).ecosystems[0];
};

const packageJson = JSON.stringify({
  dependencies: { a: '^1.0.0', b: '*', c: 'git+https://host/c.git#abc', d: '1.2.3', e: 'npm:x@2.0.0', f: 'user/repo' },
  devDependencies: { g: '>=3', h: 'workspace:*', i: 'https://host/i.tgz' },
});

describe('what dependencies are told of', () => {
  it('npm: grades of requirements, and of the lock file what is locked twice, deprecated, or runs code', () => {
    const packages = {
      '': {},
      'node_modules/a': { version: '1.0.0', license: 'MIT', hasInstallScript: true },
      'node_modules/b': { version: '5.0.0', license: 'MIT', deprecated: 'use c' },
      'node_modules/a/node_modules/b': { version: '4.0.0', license: 'GPL-3.0' },
      'node_modules/@s/c': { version: '1.0.0', resolved: 'git+ssh://git@host/c.git#abc' },
      'node_modules/own': { link: true, resolved: 'packages/own' },
    };
    const lock = JSON.stringify({ lockfileVersion: 3, packages });
    const told = ecosystemOf({ 'package.json': packageJson, 'package-lock.json': lock });
    expect(told).toMatchObject({
      name: 'npm', runtimeCount: 6, devCount: 3, lockedCount: 4, unlockedCount: 0, outsideLockedCount: 1,
      grades: { exact: 2, range: 1, open: 2, git: 2, url: 1, local: 1 },
      installScripts: ['a'], deprecated: ['b@5.0.0'], duplicates: [{ name: 'b', versions: ['5.0.0', '4.0.0'] }],
      licences: [['MIT', 2], ['GPL-3.0', 1]],
    }); // prettier-ignore
  });

  it('npm: a lock file of version 1, and those of Yarn, pnpm and Bun', () => {
    const old = JSON.stringify({
      dependencies: { a: { version: '1.0.0', dependencies: { b: { version: '2.0.0' } } }, b: { version: '1.0.0' } },
    });
    const yarn =
      '# yarn\n\n"@s/a@^1.0.0", "@s/a@^1.1.0":\n  version "1.2.0"\n  resolved "https://r/a"\n\nb@^2:\n  version "2.0.0"\n\nb@^1:\n  version "1.0.0"\n';
    const berry =
      '__metadata:\n  version: 8\n\n"b@npm:^1.0.0":\n  version: 1.0.1\n  resolution: "b@npm:1.0.1"\n\n"own@workspace:.":\n  version: 0.0.0\n';
    const pnpm =
      "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    x: 1\n\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {integrity: x}\n\n  b@1.0.0(c@2):\n    deprecated: no\n\n  /c/1.0.0:\n    requiresBuild: true\n\nsnapshots:\n\n  b@1.0.0:\n";
    const bun =
      '{\n  "packages": {\n    "a": ["a@1.0.0", "", {}, "sha"],\n    "x/a": ["a@2.0.0", "", {}, "sha"],\n  }\n}\n';
    const counts = Object.entries({
      'package-lock.json': old,
      'yarn.lock': yarn,
      'b/yarn.lock': berry,
      'pnpm-lock.yaml': pnpm,
      'bun.lock': bun,
    })
      .map(([path, text]) => readerOf(path)?.(text))
      .map((told) => (told?.kind === 'lock' ? [told.packageCount, told.versions.size] : undefined));
    expect(counts).toEqual([[3, 2], [3, 2], [1, 1], [3, 3], [2, 1]]); // prettier-ignore
  });

  it('Python: pyproject of both kinds, requirements, Pipfile, setup.cfg and setup.py, and what is locked', () => {
    const files = {
      'pyproject.toml':
        '[project]\nname = "x"\ndependencies = [\n  "a>=1",  # c\n  "b[extra]==1.0; python_version<\'3\'",\n  "c @ git+https://host/c",\n]\n[project.optional-dependencies]\nd = ["d~=1.0"]\n[dependency-groups]\ndev = ["e", {include-group = "x"}]\n',
      'old/pyproject.toml':
        '[tool.poetry]\nname = "y"\n[tool.poetry.dependencies]\npython = "^3"\nf = "^1"\ng = { git = "https://host/g" }\n[tool.poetry.group.dev.dependencies]\nh = "*"\n',
      'requirements.txt': '# c\n-r other.txt\ni==1.0 \\\n  --hash=sha256:0\nj\n-e git+https://host/k#egg=k\nl<2\n',
      Pipfile: '[packages]\nm = "*"\n[dev-packages]\nn = "==1.0"\n',
      's/setup.cfg': '[options]\ninstall_requires =\n    o>=1,<2\n    p\n\n[x]\n',
      't/setup.py': 'setup(install_requires=["q==1.0", \'r\'])\n',
      'uv.lock':
        '[[package]]\nname = "a"\nversion = "1.0"\nsource = { registry = "https://pypi.org" }\n\n[[package]]\nname = "x"\nversion = "0"\nsource = { virtual = "." }\n\n[[package]]\nname = "c"\nversion = "1"\nsource = { git = "https://host/c" }\n',
    };
    const told = ecosystemOf(files);
    expect(told).toMatchObject({
      name: 'Python',
      manifestCount: 6,
      lockedCount: 2,
      outsideLockedCount: 1,
      unlockedCount: 0,
    });
    expect(told?.grades).toEqual({ exact: 4, range: 4, open: 7, git: 3, url: 0, local: 0 });
    expect([told?.runtimeCount, told?.devCount]).toEqual([15, 3]);
  });

  it('Cargo and Go', () => {
    const cargo = ecosystemOf({
      'Cargo.toml':
        '[package]\nname = "x"\n[dependencies]\na = "1"\nb = { version = "=1.0.0" }\nc = { git = "https://host/c" }\nd = { path = "d" }\ne = "*"\n[target.\'cfg(unix)\'.dependencies]\nf = { workspace = true }\n[dev-dependencies]\ng = "1"\n',
      'Cargo.lock':
        'version = 4\n\n[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "registry+x"\n\n[[package]]\nname = "a"\nversion = "2.0.0"\nsource = "registry+x"\n\n[[package]]\nname = "x"\nversion = "0.1.0"\n',
    });
    expect(cargo).toMatchObject({ name: 'Cargo', runtimeCount: 6, devCount: 1, lockedCount: 2, duplicateCount: 1 });
    expect(cargo?.grades).toEqual({ exact: 1, range: 3, open: 1, git: 1, url: 0, local: 1 });
    const go = readerOf('go.mod')?.(
      'module m\n\ngo 1.22\n\nrequire (\n\tgithub.com/a/b v1.2.3\n\tgolang.org/x/c v0.0.0-20240101120000-0123456789ab\n\tgithub.com/d/e v1.0.0 // indirect\n)\nrequire github.com/f/g v2.0.0+incompatible\n',
    );
    expect(go?.kind === 'manifest' ? go.dependencies.map(({ name, grade }) => [name, grade]) : go).toEqual([['github.com/a/b', 'exact'], ['golang.org/x/c', 'git'], ['github.com/f/g', 'exact']]); // prettier-ignore
    expect(readerOf('go.sum')?.('a v1 h1:x\na v1/go.mod h1:x\na v2 h1:x\nb v1/go.mod h1:y\n')).toMatchObject({
      packageCount: 1,
    });
  });

  it.each([
    [
      'pom.xml',
      '<project><properties><v>1.0</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency><dependency><groupId>g</groupId><artifactId>b</artifactId><scope>test</scope></dependency><!-- <dependency></dependency> --><dependency><groupId>g</groupId><artifactId>c</artifactId><version>2-SNAPSHOT</version></dependency></dependencies></project>',
      'g:a exact, g:b range dev, g:c open',
    ],
    [
      'build.gradle.kts',
      'dependencies {\n  implementation("g:a:1.0")\n  // api("g:x:1")\n  testImplementation("g:b:+")\n}\n',
      'g:a exact, g:b open dev',
    ],
    [
      'gradle/libs.versions.toml',
      '[versions]\nv = "1.0"\n[libraries]\na = { module = "g:a", version.ref = "v" }\nb = "g:b:2.0"\n',
      'g:a exact, b exact',
    ],
    [
      'composer.json',
      '{"require":{"php":"^8","ext-x":"*","a/b":"^1","c/d":"dev-main"},"require-dev":{"e/f":"*"}}',
      'a/b range, c/d git, e/f open dev',
    ],
    [
      'Gemfile',
      "source 'x'\ngem 'a', '~> 1.0'\ngem 'b'\n# gem 'x'\ngroup :test do\n  gem 'c', git: 'https://host/c'\nend\n",
      'a range, b open, c git dev',
    ],
    [
      'x.gemspec',
      "s.add_dependency 'a', '>= 1', '< 3'\ns.add_development_dependency 'b', '1.0'\n",
      'a range, b exact dev',
    ],
    [
      'App.csproj',
      '<Project><PackageReference Include="A" Version="1.0.0" /><PackageReference Include="B"><Version>2.*</Version></PackageReference></Project>',
      'A exact, B open',
    ],
    [
      'mix.exs',
      'defp deps do\n [{:a, "~> 1.0"}, {:b, git: "x"}, {:c, ">= 0.0.0", only: :test}]\nend',
      'a range, b git, c open dev',
    ],
    [
      'pubspec.yaml',
      'name: x\ndependencies:\n  flutter:\n    sdk: flutter\n  a: ^1.0.0\n  b:\n    git: https://host/b\ndev_dependencies:\n  c: any\n',
      'flutter local, a range, b git, c open dev',
    ],
    [
      'Package.swift',
      'dependencies: [.package(url: "https://host/a.git", from: "1.0"), .package(url: "https://host/b", branch: "main"), .package(path: "../c")]',
      'a range, b git, path: "../c" local',
    ],
    [
      'cpanfile',
      "requires 'perl', '5.10';\nrequires 'A::B', '== 1.0';\ntest_requires 'C';\n",
      'A::B exact, C open dev',
    ],
  ])('%s', (path, text, expected) => {
    const told = readerOf(path)?.(text);
    const dependencies = told?.kind === 'manifest' ? told.dependencies : [];
    expect(dependencies.map(({ name, grade, isDev }) => `${name} ${grade}${isDev ? ' dev' : ''}`).join(', ')).toBe(
      expected,
    );
  });

  it.each([
    [
      'composer.lock',
      '{"packages":[{"name":"a/b","version":"1.0","license":["MIT"]}],"packages-dev":[{"name":"c/d","version":"dev-main","abandoned":true}]}',
      2,
    ],
    [
      'Gemfile.lock',
      'GEM\n  remote: x\n  specs:\n    a (1.0)\n      b (>= 1)\n    b (2.0-x86_64-linux)\n    b (2.0-arm64-darwin)\n\nPLATFORMS\n  ruby\n',
      2,
    ],
    ['packages.lock.json', '{"dependencies":{"net8.0":{"A":{"resolved":"1.0"},"B":{"resolved":"2.0"}}}}', 2],
    ['mix.lock', '%{\n  "a": {:hex, :a, "1.0", "x"},\n  "b": {:git, "https://host/b", "abc", []},\n}\n', 2],
    [
      'pubspec.lock',
      'packages:\n  a:\n    source: hosted\n    version: "1.0.0"\n  b:\n    source: git\n    version: "2.0.0"\nsdks:\n  dart: x\n',
      2,
    ],
    ['Package.resolved', '{"pins":[{"identity":"a","state":{"version":"1.0"}}],"version":2}', 1],
    ['gradle.lockfile', '# c\ng:a:1.0=compileClasspath\ng:b:2.0=x,y\nempty=z\n', 2],
    ['Pipfile.lock', '{"default":{"a":{"version":"==1.0"}},"develop":{"b":{"git":"x"}}}', 2],
  ])('%s', (path, text, packageCount) => {
    expect(readerOf(path)?.(text)).toMatchObject({ kind: 'lock', packageCount });
  });

  it('a manifest without a lock file is named, also in a monorepo; one below a lock file is not', () => {
    const told = ecosystemOf({
      'locked/package.json': packageJson, 'locked/yarn.lock': '', 'locked/inner/package.json': packageJson, 'open/package.json': packageJson,
      'none/package.json': '{}', 'test/fixtures/x/package.json': packageJson, 'node_modules/y/package.json': packageJson,
    }); // prettier-ignore
    expect(told).toMatchObject({ unlocked: ['open'], unlockedCount: 1, manifestCount: 4 });
    expect(told?.unlockedDependencies).toEqual({ runtimeCount: 6, devCount: 3 });
    expect(ecosystemOf({}, `${repository.dir}/locked/inner`)).toMatchObject({ unlockedCount: 0 });
  });
});

const SIGNS = '[]{}"\'=.,:#\n a1-<>/()@$*'.split('');

describe('manifests that are broken', () => {
  it('tell little, and never stop the audit', () => {
    const names = ['package.json', 'package-lock.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'pyproject.toml', 'Pipfile.lock', 'uv.lock', 'Cargo.toml', 'go.mod',
      'pom.xml', 'build.gradle', 'libs.versions.toml', 'composer.lock', 'Gemfile', 'App.csproj', 'mix.exs', 'pubspec.yaml', 'Package.swift', 'cpanfile', 'setup.cfg', 'setup.py', 'requirements.txt']; // prettier-ignore
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: fc.constantFrom(...SIGNS), maxLength: 200 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.oneof(text, fc.json()), (name, content) => {
        expect(['manifest', 'lock', undefined]).toContain(readerOf(name)?.(content)?.kind);
      }),
      { numRuns: 2000 },
    );
  });

  it('TOML that is read is what was written, and keys of the language are only keys', () => {
    const told = readToml(
      '__proto__.x = "1"\n[a."b.c"]\nd = [1, {e = \'f\'}]\n[[g]]\nh = """two\nlines"""\n[[g]]\n[g.i]\nj = true\n',
    );
    expect(JSON.parse(JSON.stringify(told))).toEqual(
      JSON.parse(
        '{"__proto__":{"x":"1"},"a":{"b.c":{"d":["1",{"e":"f"}]}},"g":[{"h":"two\\nlines"},{"i":{"j":true}}]}',
      ),
    );
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it.each([
    ['1.2.3', 'exact'], ['=1.2.3', 'exact'], ['v1.0', 'exact'], ['1.2.3-beta.1+x', 'exact'], ['^1', 'range'], ['~1.2', 'range'], ['1.x', 'range'], ['>=1 <2', 'range'],
    ['1 - 2', 'range'], ['', 'open'], ['*', 'open'], ['latest', 'open'], ['>=1', 'open'], ['> 1.0', 'open'], ['git+ssh://h/x', 'git'], ['https://h/x.git#v1', 'git'], ['https://h/x.tgz', 'url'], ['file:../x', 'local'],
  ])('%s is %s', (spec, grade) => {
    expect(gradeOf(spec)).toBe(grade);
  }); // prettier-ignore
});
