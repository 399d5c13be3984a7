import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.QueriesApi;
import org.openapitools.client.api.TablesApi;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.QueryRequest;
import org.openapitools.client.model.TablePin;

/** The README's examples by the client that openapi-generator makes. */
public class Example {
  private static ApiClient client;

  public static void main(String[] arguments) throws Exception {
    client = new ApiClient();
    client.updateBaseUri(arguments[0]);
    query(new QueryRequest().sql("SELECT origin, count(*) AS flights, round(avg(delay), 1) AS mean_delay"
        + " FROM flights GROUP BY origin ORDER BY flights DESC LIMIT 5"));
    query(new QueryRequest()
        .sql("SELECT title, released, worldwide_gross FROM movies"
            + " WHERE imdb_rating >= $rating AND released < $before ORDER BY worldwide_gross DESC")
        .parameters(Map.of("rating", 8.5, "before", Map.of("type", "Date32", "value", "1995-01-01")))
        .rowLimit(2L));
    query(new QueryRequest()
        .sql("SELECT count(*) AS airports, count(city) AS with_city FROM airports")
        .tables(Map.of("airports", new TablePin().version(0L))));
    query(new QueryRequest().sql("SELECT magnitude, plase\nFROM earthquakes"));
    var table = new TablesApi(client).getTable("stocks", null, null);
    System.out.println(table.getName() + " at " + table.getVersion());
  }

  private static void query(QueryRequest request) throws Exception {
    try {
      var answer = new QueriesApi(client).runQuery(request);
      var row = answer.getData().get(0);
      System.out.println(answer.getRowCount() + " rows, " + row.values().iterator().next());
    } catch (ApiException error) {
      var problem = client.getObjectMapper().readValue(error.getResponseBody(), Problem.class);
      System.out.println(error.getCode() + " " + problem.getCode().getValue());
    }
  }
}
