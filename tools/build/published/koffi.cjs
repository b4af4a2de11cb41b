/* koffi's native part: of the files that were built for this platform the one that fits its C library. */
'use strict';

module.exports = load(NATIVE_FILES);

function load([file, ...others]) {
  try {
    return require(file);
  } catch (error) {
    if (others.length === 0) throw error;
    return load(others);
  }
}
