/** Fails fast where the tests would run on another Node than the one that ships (vitest 5 cannot report failures on Node 20). */
const wanted = "v24.";
if (!process.version.startsWith(wanted) && !process.version.startsWith("v26.")) {
  throw new Error(`these tests need Node 24 (found ${process.version}): run them by "npm test" or "npx vitest", which use the project's own Node`);
}
