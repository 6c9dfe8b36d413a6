export default function Write() {
  return (
    <>
      <h1>Write an entry</h1>
      <label htmlFor="draft">Draft</label>
      <textarea id="draft" />
    </>
  );
}
