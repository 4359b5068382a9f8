// Sends one event with each of Java's own clients.
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Client {
    static final URI JUNE = URI.create("https://api.june.so/api/identify");

    public static void main(String[] names) throws Exception {
        String body = "{\"type\": \"identify\", \"userId\": \"" + names[0] + "\"}";
        int status = names[0].equals("java.HttpClient") ? byHttpClient(body) : byUrlConnection(body);
        if (status != 200) throw new IllegalStateException("answered " + status);
    }

    static int byHttpClient(String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(JUNE)
            .header("Authorization", "Basic secret_api_key").header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
    }

    static int byUrlConnection(String body) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) JUNE.toURL().openConnection();
        connection.setRequestProperty("Authorization", "Basic secret_api_key");
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setDoOutput(true);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body.getBytes());
        }
        return connection.getResponseCode();
    }
}
