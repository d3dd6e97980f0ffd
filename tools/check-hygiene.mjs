// What must not be in a repository that others clone: paths of one machine, focused tests, conflict marks.
// Usage, in the folder to check: node tools/check-hygiene.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.mjs';

/** The work tree to check. */
const root = process.cwd();
const rules = [
  {
    pattern: /(?<![\w.])\/(?:home|Users)\/[a-z][\w-]*\/|(?<![\w.])\/(?:root|work)\/[a-z]/,
    message: 'names a path of one machine',
  },
  { pattern: /\b(?:it|test|describe)\.only\b/, message: 'runs only some of the tests' },
  { pattern: /^(?:<{7} |>{7} )/, message: 'has a conflict mark' },
  { pattern: /^\s*debugger;/, message: 'stops in a debugger' },
];
const texts = /\.(?:[cm]?[jt]sx?|json|ya?ml|md|sh|cfg|html|css|txt)$|^\.ci\//;
const self = 'tools/check-hygiene.mjs';

const { code, output } = await runCommand('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
});
if (code !== 0) throw new Error(output);

const problems = [];
for (const file of output
  .split('\n')
  .filter((name) => texts.test(name) && name !== self && existsSync(join(root, name)))) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    for (const { pattern, message } of rules) {
      if (pattern.test(line)) problems.push(`${file}:${index + 1} ${message}: ${line.trim().slice(0, 100)}`);
    }
  }
}
if (problems.length > 0) console.log(problems.join('\n'));
process.exitCode = problems.length > 0 ? 1 : 0;
