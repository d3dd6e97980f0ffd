// Builds the named projects and what they depend on, and says something only when it takes long or fails.
// Usage: node tools/build.mjs <bundle|build> [project ...]
import { buildStamp } from './build-stamp.mjs';
import { build, root } from './run-command.mjs';

const QUIET_MS = 4000;

const [target = 'build', ...projects] = process.argv.slice(2);
const stamp = buildStamp(root, [target, ...projects].join(' '));
if (!stamp.isSet()) {
  const note = setTimeout(() => console.log('Building (a few seconds, only after a change)…'), QUIET_MS);
  const { code, output } = await build(target, projects);
  clearTimeout(note);
  if (code === 0) stamp.set();
  else {
    console.error(output);
    console.error('The build failed; the compiler says why above.');
  }
  process.exitCode = code;
}
