/** Runs the program with the page's query and leaves its report, or its failure, to the test. */
export async function answer(program) {
  const query = new URLSearchParams(location.search);
  const threads = query.has('threads') ? Number(query.get('threads')) : undefined;
  try {
    window.report = { ...(await program(query.get('backend'), threads)), isolated: crossOriginIsolated };
  } catch (error) {
    window.report = { failure: String(error?.stack ?? error) };
  }
}
