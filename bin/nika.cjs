#!/usr/bin/env node
/* Old syntax on purpose: an old Node must be able to read this file and say what is wrong. */
'use strict';

var REQUIRED = [24, 12];
var version = process.versions.node.split('.').map(Number);

if (version[0] < REQUIRED[0] || (version[0] === REQUIRED[0] && version[1] < REQUIRED[1])) {
  process.stderr.write(
    'nika needs Node ' +
      REQUIRED.join('.') +
      ' or later, and this is ' +
      process.versions.node +
      ': put the node_modules/.bin that holds nika first on your PATH, which has a Node of its own, or install a newer one.\n',
  );
  process.exitCode = 2;
} else {
  var fs = require('node:fs');
  var path = require('node:path');
  var url = require('node:url');
  var root = path.join(__dirname, '..');

  require('./code-cache.cjs');

  /* In a checkout the built copy is used only while it is newer than every source file; else the source itself runs. */
  var newest = function (folder) {
    return fs.readdirSync(folder).reduce(function (max, name) {
      var file = folder + path.sep + name;
      var stat = fs.statSync(file);
      return Math.max(max, stat.isDirectory() ? newest(file) : stat.mtimeMs);
    }, 0);
  };
  var built = path.join(root, 'dist', 'cli', 'main.js');
  var source = path.join(root, 'src');
  var isBuilt = fs.existsSync(built);
  var isFresh = isBuilt && (!fs.existsSync(source) || newest(source) < fs.statSync(built).mtimeMs);
  import(url.pathToFileURL(isFresh ? built : path.join(source, 'cli', 'main.ts')).href).catch(function (thrown) {
    process.stderr.write('nika cannot start: ' + (thrown && thrown.stack ? thrown.stack : thrown) + '\n');
    process.exitCode = 1;
  });
}
