/** Whatever comes first: the work, or the time somebody waits for it (milliseconds); the work goes on. */
export async function soon<T>(work: Promise<T>, otherwise: T, time: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, time, otherwise);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
