/** Runs the program with the page's query and leaves its report, or its failure, to the test. */
export async function answer(program) {
  const backend = new URLSearchParams(location.search).get('backend');
  try {
    window.report = { ...(await program(backend)), isolated: crossOriginIsolated };
  } catch (error) {
    window.report = { failure: String(error?.stack ?? error) };
  }
}
