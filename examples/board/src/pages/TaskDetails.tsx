import { Link, useParams } from 'react-router';
import { useTasks, type Status } from '../state/tasks';

const NAMES: Record<Status, string> = { todo: 'To do', doing: 'Doing', done: 'Done' };

export function TaskDetails() {
  const { id } = useParams();
  const { tasks, dispatch } = useTasks();
  const task = tasks.find((item) => item.id === Number(id));

  if (!task) {
    return (
      <>
        <h1>No such task</h1>
        <Link to="/">Back to the board</Link>
      </>
    );
  }

  return (
    <>
      <h1>{task.title}</h1>
      {task.note ? <p>{task.note}</p> : <p><em>No note.</em></p>}
      <label>
        Status
        <select value={task.status} onChange={(event) => dispatch({ type: 'move', id: task.id, status: event.target.value as Status })}>
          {Object.entries(NAMES).map(([value, name]) => <option key={value} value={value}>{name}</option>)}
        </select>
      </label>
      <p>This task is: <strong>{NAMES[task.status]}</strong></p>
      <Link to="/">Back to the board</Link>
    </>
  );
}
